// The value by which the page's policy lets style elements in: the server put it into the page.
import { setNonce } from 'get-nonce'

export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''

if (nonce) setNonce(nonce)
