// What the plan includes, beside the others, and what the practice is called and goes by.
import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAccount } from '~/app/account'
import { IconCheck } from '~/ui/icons'
import { Part } from '../parts/Part'
import { AccountForm } from './AccountForm'
import classes from './Plan.module.css'
import { FEATURES, type Included, PLANS } from './plans'

export default function Plan() {
  const { t } = useTranslation('setup')
  const { plan } = useAccount()
  const plans = Object.entries(PLANS)
  return (
    <>
      <AccountForm />
      <Part title={t('plan')} hint={t('planHint')}>
        <div className={classes.scroll}>
          <Table className={classes.plans}>
            <Table.Thead>
              <Table.Tr>
                <Table.Td />
                {plans.map(([name]) => (
                  <Table.Th key={name} data-own={name === plan || undefined}>
                    {t(`plan_${name}`)}
                    {name === plan && <div className={classes.yours}>{t('yourPlan')}</div>}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {FEATURES.map((feature) => (
                <Table.Tr key={feature}>
                  <Table.Th scope="row">{t(`feature_${feature}`)}</Table.Th>
                  {plans.map(([name, terms]) => (
                    <Table.Td key={name} data-own={name === plan || undefined}>
                      <Inclusion included={terms[feature]} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      </Part>
    </>
  )
}

function Inclusion({ included }: { included: Included }) {
  const { t } = useTranslation('setup')
  if (included === null) return t('noLimit')
  if (typeof included === 'number') return included
  return included ? <IconCheck size={18} role="img" aria-label={t('yes')} /> : <span>{t('notIncluded')}</span>
}
