// Languages: every feature brings its own words, English and German, under its own name.
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES

const REMEMBERED = 'timeblu.language'

/** Words of one feature: German has the keys that English has, no more and no fewer. */
export type Words<Texts> = { en: Texts; de: { [Key in keyof Texts]: Texts[Key] extends string ? string : Texts[Key] } }

/** Make a feature's words known under its name; used as `useTranslation('name')`. */
export function register(name: string, words: { en: Record<string, string>; de: Record<string, string> }): void {
  for (const language of Object.keys(LANGUAGES) as Language[]) {
    i18next.addResourceBundle(language, name, words[language], true, true)
  }
}

void i18next.use(initReactI18next).init({
  lng: initial(),
  fallbackLng: 'en',
  supportedLngs: Object.keys(LANGUAGES),
  keySeparator: false,
  nsSeparator: ':',
  resources: {},
  interpolation: { escapeValue: false },
  returnNull: false,
})

i18next.on('languageChanged', describe)
describe(i18next.language)

export function language(): Language {
  return i18next.language === 'de' ? 'de' : 'en'
}

export async function changeLanguage(to: Language): Promise<void> {
  localStorage.setItem(REMEMBERED, to)
  await i18next.changeLanguage(to)
}

function initial(): Language {
  const wished = [localStorage.getItem(REMEMBERED), ...navigator.languages.map((tag) => tag.slice(0, 2))]
  return (wished.find((tag) => tag && tag in LANGUAGES) as Language | undefined) ?? 'en'
}

function describe(tag: string): void {
  document.documentElement.lang = tag
}
