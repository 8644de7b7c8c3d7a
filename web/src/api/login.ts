/** Whether the server answers this browser: it may ask for a token, and a login runs out or is ended elsewhere. */
import { Store } from "@/shared/store";

export const isLoggedIn = new Store(true);

/** The status of an answer that asks for the token. */
export const ASKS_FOR_TOKEN = 401;
