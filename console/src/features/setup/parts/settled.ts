// A form over settings that are always there: what is kept, what was changed, and going back.
import { type UseFormReturnType, useForm } from '@mantine/form'

/** A form that begins with `kept`; `settle` takes over what was saved. */
export function useSettled<Values extends Record<string, unknown>>(
  kept: Values,
): { form: UseFormReturnType<Values>; settle: (values: Values) => void } {
  const form = useForm<Values>({ initialValues: kept })
  return {
    form,
    settle: (values) => {
      form.setInitialValues(values)
      form.setValues(values)
      form.resetDirty(values)
      form.clearErrors()
    },
  }
}
