import { useNavigate, useSearch } from "@tanstack/react-router";

/** The sample that is open large: it stands in the address, so a link leads to it, and Back closes it. */
export function useOpenSample(): [string | null, (id: string | null) => void] {
  const { sample } = useSearch({ strict: false });
  const navigate = useNavigate();
  const open = (id: string | null) =>
    navigate({
      to: ".",
      search: (old) => ({ ...old, sample: id ?? undefined }),
      replace: sample !== undefined,
      resetScroll: false,
    });
  return [sample ?? null, open];
}
