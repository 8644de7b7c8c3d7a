import { useEffect, useState } from "react";

const QUIET_MS = 300;

/** A value once it has stopped changing for a moment, so that typing asks the server once. */
export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), QUIET_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
