// What a click on a variable writes: lists come with the loop that goes over them.
const LOOPS: Record<string, string> = {
  occurrences: '{% for moment in occurrences %}\n{{ moment }}\n{% endfor %}',
  links: '{% for label, url in links %}\n{{ label }}: {{ url }}\n{% endfor %}',
  payments: '{% for date, amount, url in payments %}\n{{ date }}: {{ amount }} {{ url }}\n{% endfor %}',
}

export function inserted(variable: string): string {
  return LOOPS[variable] ?? `{{ ${variable} }}`
}
