/** Changes to the code that once no test noticed (lesson M). */
export interface NamedMutant {
  name: string;
  file: string;
  /** Stands in the file once. */
  search: string;
  replace: string;
  /** Files or folders of tests, of which one must fail. */
  tests: readonly string[];
}

export const MUTANTS: readonly NamedMutant[] = [];
