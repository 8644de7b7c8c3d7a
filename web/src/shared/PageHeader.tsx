type Props = { title: string; lead?: string; children?: React.ReactNode };

export function PageHeader({ title, lead, children }: Props) {
  return (
    <header className="mb-6 flex flex-wrap items-end gap-4">
      <div className="min-w-0 grow">
        <h1 className="text-title">{title}</h1>
        {lead && <p className="max-w-160 text-dim">{lead}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2 max-sm:w-full">{children}</div>}
    </header>
  );
}
