import { useMutation } from "@tanstack/react-query";
import { notify } from "@/shared/toasts";
import { errorText } from "@/shared/views";

type Answer<Data> = { data?: Data; error?: unknown };

/** Something a button does: it reports failure in the server's words and success in ours. */
export function useAction<Input, Data>(
  run: (input: Input) => Promise<Answer<Data>>,
  options: { done?: string; onDone?: (data: Data, input: Input) => void } = {},
) {
  return useMutation<Data, unknown, Input>({
    mutationFn: async (input) => {
      const { data, error } = await run(input);
      if (error !== undefined) throw error;
      return data as Data;
    },
    onSuccess: (data, input) => {
      if (options.done) notify("done", options.done);
      options.onDone?.(data, input);
    },
    onError: (error) => notify("error", errorText(error)),
  });
}
