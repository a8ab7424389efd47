// Catches what a part of the page throws, so that the rest goes on.

import { QueryErrorResetBoundary } from '@tanstack/react-query'
import { Component, type ErrorInfo, type ReactNode } from 'react'
import { Failure } from './Failure'

type Props = { children: ReactNode; onReset: () => void }

class Catcher extends Component<Props, { error: Error | null }> {
  state = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(error, info.componentStack)
  }

  render() {
    if (this.state.error === null) return this.props.children
    const again = () => {
      this.props.onReset()
      this.setState({ error: null })
    }
    return <Failure error={this.state.error} onRetry={again} />
  }
}

export function Boundary({ children }: { children: ReactNode }) {
  return (
    <QueryErrorResetBoundary>{({ reset }) => <Catcher onReset={reset}>{children}</Catcher>}</QueryErrorResetBoundary>
  )
}
