import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Where the services answer while the page is worked on: `make run` beside `npm run dev`.
const suite = process.env.TIMEBLU ?? 'http://127.0.0.1:8000'
const paths = [
  '/scheduling',
  '/payments',
  '/notifications',
  '/sandbox',
  '/config.json',
  '/demo/sign-in',
  '^/clients/v1/',
]

export default defineConfig(({ command }) => ({
  plugins: [react()],
  resolve: { alias: { '~': new URL('./src', import.meta.url).pathname } },
  // Whoever serves the page puts a fresh value in the place of this word, in the text and in the policy's header.
  html: command === 'build' ? { cspNonce: '__CSP_NONCE__' } : {},
  build: {
    outDir: process.env.OUT_DIR ?? 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // What an inlined picture saves is less than what `data:` in more places of the policy costs.
    assetsInlineLimit: 0,
    target: 'es2022',
    // The first browsers that know light-dark(): rewritten for older ones it follows no scheme that is chosen by a variable.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    manifest: true,
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', proxy: Object.fromEntries(paths.map((path) => [path, { target: suite }])) },
}))
