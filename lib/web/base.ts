/** Where the pages are: `https://host/app`, without the last slash. They are one page, whatever its `#`. */
export const BASE_URL = new URL(".", location.href).href.replace(/\/$/, "");
