/** Says how many bytes of gzip each entry of `sizes/` is, as one line of JSON. */
import { gzipSync } from "node:zlib";
import { build } from "vite";

const sizes = {};
for (const name of ["chat", "api"]) {
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      ...{ write: false, target: "es2022" },
      rollupOptions: { input: `sizes/${name}.ts`, preserveEntrySignatures: "strict" },
    },
  });
  sizes[name] = gzipSync([built].flat()[0].output[0].code, { level: 9 }).length;
}
process.stdout.write(JSON.stringify(sizes) + "\n");
