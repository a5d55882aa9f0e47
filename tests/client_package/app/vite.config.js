/** The page as its author sees it while writing it: React's development build, StrictMode on trial. */
export default {
  build: { minify: false },
  define: { "process.env.NODE_ENV": JSON.stringify("development") },
};
