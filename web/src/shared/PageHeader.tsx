type Props = {
  title: string;
  lead?: string;
  /** The way to what this is a part of. */
  back?: React.ReactNode;
  children?: React.ReactNode;
};

export function PageHeader({ title, lead, back, children }: Props) {
  return (
    <header className="mb-6 flex flex-wrap items-end gap-4">
      <div className="min-w-0 grow">
        {back}
        <h1 className="text-title">{title}</h1>
        {lead && <p className="max-w-160 text-dim">{lead}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2 max-sm:w-full">{children}</div>}
    </header>
  );
}
