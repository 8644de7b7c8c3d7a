import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, useSyncExternalStore } from "react";
import { api } from "@/api/client";
import type { ConfigField } from "@/features/config/catalog";
import { openEditor } from "@/features/config/current";
import { EditorView } from "@/features/config/EditorView";
import type { Editor } from "@/features/config/editor";
import { ErrorView, Loading } from "@/shared/views";

export default function ConfigPage() {
  const editor = useQuery({
    queryKey: ["editor"],
    queryFn: openEditor,
    refetchOnMount: "always",
    refetchOnWindowFocus: "always",
  });
  const fields = api.useQuery("get", "/api/config/fields");
  if (editor.error) return <ErrorView error={editor.error} onRetry={() => editor.refetch()} />;
  if (fields.error) return <ErrorView error={fields.error} onRetry={() => fields.refetch()} />;
  if (!editor.data || !fields.data) return <Loading rows={6} />;
  return <Loaded editor={editor.data} fields={fields.data.fields} />;
}

function Loaded({ editor, fields }: { editor: Editor; fields: ConfigField[] }) {
  const state = useSyncExternalStore(editor.subscribe, editor.snapshot);
  const [isJson, setIsJson] = useState(false);
  const byPath = useMemo(() => new Map(fields.map((field) => [field.path, field])), [fields]);
  return (
    <EditorView editor={editor} state={state} fields={fields} byPath={byPath} isJson={isJson} onJson={setIsJson} />
  );
}
