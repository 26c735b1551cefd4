/** Makes the worker; `main.ts` alone knows where its module is. */
export type DeleterFactory = (role: "deleter") => Worker;
