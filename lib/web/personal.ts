import { forgetDatabase } from "./personal_database.ts";

/**
 * What a person leaves in this browser stands under their own id: nobody else who signs in here is
 * offered it, and it is gone when they sign out.
 */
let ownerId: string | undefined;

const prefixOf = (personId: string) => `person:${personId}:`;

/** Whose things are read and written from now on; `undefined`: nobody's. */
export function setOwner(personId: string | undefined): void {
  ownerId = personId;
}

/** Whether what is read and written now is this person's. */
export const isOwner = (personId: string): boolean => ownerId === personId;

export function readPersonal(storage: Storage, name: string): string | null {
  return ownerId === undefined ? null : storage.getItem(prefixOf(ownerId) + name);
}

/** `undefined` takes it away. */
export function writePersonal(storage: Storage, name: string, value: string | undefined): void {
  if (ownerId === undefined) return;
  if (value === undefined) storage.removeItem(prefixOf(ownerId) + name);
  else storage.setItem(prefixOf(ownerId) + name, value);
}

/** Takes away everything of a person: what all tabs share, and what this one keeps. */
export function forgetPerson(personId: string): void {
  for (const storage of [localStorage, sessionStorage]) {
    for (const name of Object.keys(storage)) {
      if (name.startsWith(prefixOf(personId))) storage.removeItem(name);
    }
  }
  forgetDatabase(personId);
}
