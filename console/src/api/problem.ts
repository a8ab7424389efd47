// One kind of failure for the whole page, whatever went wrong between a click and a service's answer.

export type Service = 'scheduling' | 'clients' | 'payments' | 'notifications'

export type FieldError = { pointer: string; detail: string }

/** A conflict on a calendar, as a 409 `slot_taken` tells it. */
export type Conflict = { kind: string; starts_at: string; ends_at: string; id?: string }

export type Alternative = { starts_at: string; ends_at: string; calendar_id: string }

/** A deposit that somebody has to decide about, as a 409 `refund_decision_required` tells it; amounts in minor units. */
export type DepositAtStake = { session_id: string; starts_at: string; held_amount: number; currency: string }

/** What a problem document may carry beside RFC 9457's own fields. */
type Details = {
  errors?: FieldError[]
  conflicts?: Conflict[]
  alternatives?: Alternative[]
  existing_ids?: string[]
  deposits?: DepositAtStake[]
  /** Of a refund that was too much: what is left, in minor units. */
  left?: number
  session_ids?: string[]
}

/** A refusal by a service (its problem document), or that it could not be reached (`code` is `unreachable`). */
export class Problem extends Error {
  readonly service: Service
  readonly status: number
  readonly code: string
  readonly details: Details
  /** In how many seconds asking again makes sense, where the service said so. */
  readonly retryAfter: number | undefined

  constructor(
    service: Service,
    status: number,
    code: string,
    detail: string,
    details: Details = {},
    retryAfter?: number,
  ) {
    super(detail)
    this.name = 'Problem'
    this.service = service
    this.status = status
    this.code = code
    this.details = details
    this.retryAfter = retryAfter
  }

  /** Whether the service is not there just now, so that asking again may help. */
  get down(): boolean {
    return this.code === 'unreachable' || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** What is wrong with a field of the form, by its JSON pointer (`/client/email`). */
  field(pointer: string): string | undefined {
    return this.details.errors?.find((error) => error.pointer === pointer)?.detail
  }

  static async from(service: Service, response: Response): Promise<Problem> {
    let body: Record<string, unknown> = {}
    try {
      body = (await response.json()) as Record<string, unknown>
    } catch {
      // An answer that is no problem document comes from something in between: its status has to do.
    }
    const { code, detail, title, ...details } = body
    return new Problem(
      service,
      response.status,
      typeof code === 'string' ? code : `http_${response.status}`,
      String(detail ?? title ?? response.statusText),
      details as Details,
      Number.parseInt(response.headers.get('Retry-After') ?? '', 10) || undefined,
    )
  }
}
