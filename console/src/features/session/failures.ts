// Payments says in English sentences why a refund failed and what to do; the known ones are said in the page's language.
import i18next from 'i18next'

const KNOWN: Record<string, string> = {
  'the card has expired or was cancelled: the money is back in your balance, return it another way': 'card_gone',
  'the card was lost or stolen: the money is back in your balance, return it another way': 'card_lost',
  'your Stripe balance was too low: add money to it and try again': 'balance',
  "the client's bank declined it: try again, or return the money another way": 'declined',
  'the client disputed the payment meanwhile: answer the dispute in Stripe': 'disputed',
  'it was cancelled in Stripe: try again if it was not meant': 'canceled_in_stripe',
  'it was cancelled: try again if it was not meant': 'canceled',
}

export function failureInWords(failure: string): string {
  const known = KNOWN[failure]
  return known ? i18next.t(`failure_${known}`, { ns: 'session' }) : failure
}
