// The colour of a thing, beside its name.
export function Dot({ color, size = 12 }: { color: string; size?: number }) {
  return (
    <span
      aria-hidden
      style={{
        display: 'inline-block',
        flex: 'none',
        width: size,
        height: size,
        borderRadius: size,
        background: color,
      }}
    />
  )
}
