/** The tags of a run, as small words. */
export function Tags({ tags = [] }: { tags?: readonly string[] }) {
  if (tags.length === 0) return null;
  return (
    <ul className="mt-1 flex flex-wrap gap-1">
      {tags.map((tag) => (
        <li key={tag} className="rounded-small bg-accent-soft px-1.5 font-medium text-accent text-tiny">
          {tag}
        </li>
      ))}
    </ul>
  );
}
