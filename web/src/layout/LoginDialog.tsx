import { useState } from "react";
import { client } from "@/api/client";
import { ASKS_FOR_TOKEN, isLoggedIn } from "@/api/login";
import { t } from "@/i18n";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/fields";
import { errorText } from "@/shared/views";

/** Every token the server takes beyond loopback, and all that a header can carry. */
const POSSIBLE = /^[\x21-\x7e]+$/;

/** Asks for the token above whatever was open, which stays as it is beneath: nothing typed is lost. */
export default function LoginDialog() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string>();
  const [isAsking, setIsAsking] = useState(false);
  const logIn = async () => {
    setIsAsking(true);
    setProblem(await refusalOf(token.trim()));
    setIsAsking(false);
  };
  return (
    <Dialog title={t("login.title")} isOpen isOpaque>
      <p className="text-dim">{t("login.hint")}</p>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void logIn();
        }}
      >
        <TextField
          label={t("login.token")}
          type="password"
          autoComplete="current-password"
          value={token}
          problem={problem}
          onChange={(next) => {
            setToken(next);
            setProblem(undefined); // a form with a field that is wrong cannot be sent
          }}
          autoFocus
        />
        <Button type="submit" variant="primary" className="justify-self-end" isDisabled={!token.trim() || isAsking}>
          {t("login.title")}
        </Button>
      </form>
    </Dialog>
  );
}

/** Log in; why the server does not let this browser in, if it does not. */
async function refusalOf(token: string): Promise<string | undefined> {
  if (!POSSIBLE.test(token)) return t("login.wrong");
  try {
    const { error, response } = await client.POST("/api/access/login", {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (error === undefined) isLoggedIn.set(true);
    return error === undefined ? undefined : response.status === ASKS_FOR_TOKEN ? t("login.wrong") : errorText(error);
  } catch (error) {
    return errorText(error);
  }
}
