// One accent colour, an 8-point grid, and nothing that needs a second glance.
import { createTheme, type MantineColorsTuple } from '@mantine/core'

const blu: MantineColorsTuple = [
  '#eef3ff',
  '#dbe4fb',
  '#b4c7f4',
  '#8aa7ee',
  '#678ce8',
  '#4f78e3',
  '#3f6bdc',
  '#2b59c3',
  '#234da9',
  '#1a3f8f',
]

export const theme = createTheme({
  primaryColor: 'blu',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { blu },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  defaultRadius: 'md',
  spacing: { xs: '4px', sm: '8px', md: '16px', lg: '24px', xl: '32px' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '24px', lineHeight: '32px' },
      h2: { fontSize: '18px', lineHeight: '24px' },
      h3: { fontSize: '16px', lineHeight: '24px' },
    },
  },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Drawer: { defaultProps: { position: 'right', size: 480, overlayProps: { backgroundOpacity: 0.2 } } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true } },
    Badge: { defaultProps: { variant: 'light' } },
  },
})
