// Drags by where the pointer is. The library goes by the middle of the half hour in which an entry was taken: with steps
// shorter than that it is a step off from the first moment on, so that a mere long press would move a session.
import interaction from '@fullcalendar/react/interaction'

export const dragging: typeof interaction = {
  ...interaction,
  componentInteractions: interaction.componentInteractions?.map(
    (Original) =>
      class extends Original {
        constructor(settings: ConstructorParameters<typeof Original>[0]) {
          super({ ...settings, useEventCenter: false })
        }
      },
  ),
}
