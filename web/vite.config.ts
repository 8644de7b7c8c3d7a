import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import optimizeLocales from "@react-aria/optimize-locales-plugin";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { catalogues } from "./catalogues";

const API = "http://127.0.0.1:8000";

/** Writes a compressed copy beside each text: the server sends it to those who take it, and compresses nothing. */
const compressedCopies: Plugin = {
  name: "compressed-copies",
  writeBundle({ dir = "" }, bundle) {
    for (const name of Object.keys(bundle).filter((name) => /\.(html|js|css|svg)$/.test(name))) {
      const path = join(dir, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  },
};

export default defineConfig({
  // Texts of the controls in the languages of the page alone: thirty others would only have to be loaded.
  plugins: [
    react(),
    tailwindcss(),
    optimizeLocales.vite({ locales: ["en-US", "de-DE"] }),
    catalogues,
    compressedCopies,
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The built page is package data of the Python wheel, served by the API server.
  build: { outDir: "../src/onetrainer_web/page", emptyOutDir: true, target: "es2022", reportCompressedSize: false },
  server: { proxy: { "/api": API, "/ws": { target: API, ws: true } } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
