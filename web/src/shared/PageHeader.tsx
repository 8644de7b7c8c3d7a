type Props = {
  title: string;
  lead?: string;
  /** The way to what this is a part of. */
  back?: React.ReactNode;
  /** Small buttons, which stand beside the title on a phone too. */
  corner?: React.ReactNode;
  children?: React.ReactNode;
};

export function PageHeader({ title, lead, back, corner, children }: Props) {
  return (
    <header className="mb-6 flex flex-wrap items-end gap-x-2 gap-y-4">
      <div className={`min-w-0 grow pr-2 ${corner ? "max-sm:basis-0" : ""}`}>
        {back}
        <h1 className="text-title">{title}</h1>
        {lead && <p className="max-w-160 text-dim">{lead}</p>}
      </div>
      {corner && <div className="flex items-center sm:gap-2">{corner}</div>}
      {children && <div className="flex flex-wrap items-center gap-2 max-sm:w-full">{children}</div>}
    </header>
  );
}
