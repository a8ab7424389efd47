// What must always hold in each service's data, and what breaks it.
import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Service } from '~/api/problem'
import { IconAlertTriangle, IconCircleCheck } from '~/ui/icons'
import { invariantsOf, SERVICES } from './looking'
import classes from './operations.module.css'

export function Invariants() {
  return (
    <div className={classes.folds}>
      {SERVICES.map((service) => (
        <OfService key={service} service={service} />
      ))}
    </div>
  )
}

function OfService({ service }: { service: Service }) {
  const { t } = useTranslation(['operations', 'app'])
  const found = useQuery(invariantsOf(service))
  const rules = [...(found.data?.data ?? [])].sort((one, other) => other.violations - one.violations)
  const broken = rules.filter(({ violations }) => violations > 0).length
  const words = () => {
    if (found.isError) return t('down')
    if (found.isPending) return t('asking')
    return broken ? t('someBroken', { broken, count: rules.length }) : t('allHold', { count: rules.length })
  }
  return (
    <details className={classes.fold} open={broken > 0 || undefined}>
      <summary>
        <span className={classes.foldName}>{t(`app:service_${service}`)}</span>
        <span className={broken || found.isError ? classes.trouble : classes.quiet}>{words()}</span>
      </summary>
      <Table aria-label={`${t('invariants')}: ${t(`app:service_${service}`)}`}>
        <Table.Tbody>
          {rules.map(({ name, violations, ids }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" className={classes.rule}>
                {name.replaceAll('_', ' ')}
              </Table.Th>
              <Table.Td>
                {violations ? (
                  <>
                    <span className={classes.trouble}>
                      <IconAlertTriangle size={16} stroke={1.8} aria-hidden />
                      {t('violations', { count: violations })}
                    </span>
                    <div className={classes.id}>{ids.join(' ')}</div>
                  </>
                ) : (
                  <span className={classes.mark}>
                    <IconCircleCheck size={16} stroke={1.8} aria-hidden />
                    {t('ok')}
                  </span>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  )
}
