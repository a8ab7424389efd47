// Catches what a part of the page throws, so that the rest goes on.

import { QueryErrorResetBoundary } from '@tanstack/react-query'
import { Component, type ErrorInfo, type ReactNode } from 'react'
import { Failure } from './Failure'
import { NotLoaded } from './later'

type Props = { children: ReactNode; onReset: () => void }

class Catcher extends Component<Props, { error: Error | null }> {
  state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(error, info.componentStack)
  }

  render() {
    const { error } = this.state
    if (error === null) return this.props.children
    const again = () => {
      if (error instanceof NotLoaded) return window.location.reload()
      this.props.onReset()
      this.setState({ error: null })
    }
    return <Failure error={error} onRetry={again} />
  }
}

export function Boundary({ children }: { children: ReactNode }) {
  return (
    <QueryErrorResetBoundary>{({ reset }) => <Catcher onReset={reset}>{children}</Catcher>}</QueryErrorResetBoundary>
  )
}
