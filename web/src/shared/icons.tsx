/** All icons: outlines on a 20-pixel grid, drawn in the text's colour. */
const PATHS = {
  runs: "M3 5.5h14M3 10h9M3 14.5h5M15 12v5M12.5 14.5h5",
  tune: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  pictures: "M3.5 4.5h13v11h-13zM3.5 13l4-4 3.5 3.5 2-2 3.5 3.5M13 7.5h.01",
  folder: "M3 5.5h5l1.5 2H17v8.5H3z",
  compare: "M4 4h5v12H4zM11.5 4h4.5v12h-4.5zM10.25 2.5v15",
  system: "M4 4h12v9H4zM7 16.5h6M10 13v3.5M7 9.5l2-2 1.5 1.5L13 6.5",
  settings:
    "M10 7.25a2.75 2.75 0 1 0 0 5.5 2.75 2.75 0 0 0 0-5.5zM10 2.5v2M10 15.5v2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M2.5 10h2M15.5 10h2M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  play: "M6 4l10 6-10 6z",
  stop: "M5 5h10v10H5z",
  pause: "M7 4.5v11M13 4.5v11",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4 10.5l4 4 8-9",
  left: "M12.5 4.5L7 10l5.5 5.5",
  right: "M7.5 4.5L13 10l-5.5 5.5",
  up: "M4.5 12.5L10 7l5.5 5.5",
  down: "M4.5 7.5L10 13l5.5-5.5",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM12.8 12.8L17 17",
  download: "M10 3v10M6 9.5l4 4 4-4M4 16.5h12",
  upload: "M10 13V3.5M6 7l4-4 4 4M4 16.5h12",
  trash: "M4 6h12M8 6V3.5h4V6M5.5 6l.75 10.5h7.5L14.5 6M8.5 9v4.5M11.5 9v4.5",
  edit: "M4 16l.75-3.25L13.5 4l2.5 2.5-8.75 8.75zM12 5.5L14.5 8",
  copy: "M7 7h9v9H7zM4 13V4h9",
  terminal: "M3.5 4.5h13v11h-13zM6.5 8l2 2-2 2M11 12h3",
  resume: "M4 10a6 6 0 1 0 2-4.5M6 2.5v3.2h3.2",
  undo: "M7 4L3.5 7.5 7 11M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l3.5 3.5L13 11M16.5 7.5H8a4.5 4.5 0 0 0 0 9h4",
  save: "M4 4h9.5L16 6.5V16H4zM7 4v4h5V4M7 16v-4.5h6V16",
  backup:
    "M4 6.5C4 5 6.7 4 10 4s6 1 6 2.5S13.3 9 10 9 4 8 4 6.5zM4 6.5v7C4 15 6.7 16 10 16s6-1 6-2.5v-7M4 10c0 1.5 2.7 2.5 6 2.5s6-1 6-2.5",
  spark: "M10 3l1.6 5.4L17 10l-5.4 1.6L10 17l-1.6-5.4L3 10l5.4-1.6z",
  warning: "M10 3.5L17.5 16h-15zM10 8v4M10 14h.01",
  error: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6.5v4.5M10 13.5h.01",
  info: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 9.5v4M10 6.5h.01",
  done: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM6.8 10.2l2.3 2.3 4.2-4.6",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6v4.2l2.8 1.8",
  stopped: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM8 8h4v4H8z",
  broken: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM7.8 7.8l4.4 4.4M12.2 7.8l-4.4 4.4",
  dot: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  drag: "M7.5 5h.01M12.5 5h.01M7.5 10h.01M12.5 10h.01M7.5 15h.01M12.5 15h.01",
  file: "M5 3h6.5L15 6.5V17H5zM11.5 3v3.5H15",
  link: "M8.5 11.5a3 3 0 0 0 4.3 0l2.4-2.4a3 3 0 0 0-4.3-4.3l-.9.9M11.5 8.5a3 3 0 0 0-4.3 0l-2.4 2.4a3 3 0 0 0 4.3 4.3l.9-.9",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.5 7.5z",
  zoom: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM12.8 12.8L17 17M9 7v4M7 9h4",
  filter: "M3 5h14l-5.5 6.5V16l-3-1.5v-3z",
  help: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM7.9 8a2.1 2.1 0 1 1 3 2c-.6.3-.9.7-.9 1.3M10 13.8h.01",
  grid: "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill={name === "dot" ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={name === "more" || name === "drag" ? 2.5 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={`flex-none ${className ?? ""}`}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
