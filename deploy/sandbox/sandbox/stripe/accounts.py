"""Connected accounts and their onboarding: what `POST /v1/connect` of the payments service is answered by."""

import secrets
from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.params import (
    Anything,
    Boolean,
    Choice,
    Currency,
    Email,
    Fields,
    Metadata,
    Param,
    Text,
    Url,
    body,
    fields,
    listing,
)
from sandbox.stripe.resources import PLATFORM, Body, find, get, insert, merged, new_id, page, save
from sandbox.stripe.world import Work

LINK_SECONDS = 300
COUNTRIES = frozenset(
    "AE AR AT AU BE BG BO BR CA CH CL CO CR CY CZ DE DK DO EC EE EG ES FI FR GB GH GI GR GT HK HR HU ID IE IL IN IS IT "
    "JP KE KR LI LT LU LV MT MX MY NG NL NO NZ PE PH PL PT PY QA RO RS SA SE SG SI SK SV TH TN TR TT TW US UY VN ZA".split()
)
CURRENCY_OF = {
    "US": "usd", "GB": "gbp", "CH": "chf", "LI": "chf", "JP": "jpy", "CA": "cad", "AU": "aud", "NZ": "nzd", "SE": "sek",
    "NO": "nok", "DK": "dkk", "PL": "pln", "CZ": "czk", "HU": "huf", "RO": "ron", "IS": "isk", "IN": "inr", "BR": "brl",
    "MX": "mxn", "SG": "sgd", "HK": "hkd", "TH": "thb", "MY": "myr", "ZA": "zar", "AE": "aed", "TR": "try", "IL": "ils",
}  # fmt: skip
NEEDED = [
    "business_profile.mcc",
    "business_profile.url",
    "business_type",
    "external_account",
    "representative.first_name",
    "representative.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]

_requested = fields(requested=Boolean())
_capabilities = fields(
    card_payments=_requested,
    transfers=_requested,
    sepa_debit_payments=_requested,
    link_payments=_requested,
    klarna_payments=_requested,
    bancontact_payments=_requested,
    eps_payments=_requested,
    ideal_payments=_requested,
    p24_payments=_requested,
)
_profile = fields(
    mcc=Text(),
    name=Text(),
    product_description=Text(),
    support_email=Email(),
    support_phone=Text(),
    support_url=Url(unsettable=True),
    url=Url(),
    support_address=Anything(),
)
_shared: dict[str, Param] = {
    "business_profile": _profile,
    "business_type": Choice(of=("company", "government_entity", "individual", "non_profit")),
    "capabilities": _capabilities,
    "company": Anything(),
    "default_currency": Currency(),
    "email": Email(),
    "external_account": Anything(),
    "individual": Anything(),
    "metadata": Metadata(),
    "settings": Anything(),
    "tos_acceptance": Anything(),
}
CREATE = body(
    country=Text(max_length=2),
    type=Choice(of=("custom", "express", "standard")),
    controller=fields(
        fees=fields(payer=Choice(of=("account", "application"))),
        losses=fields(payments=Choice(of=("application", "stripe"))),
        requirement_collection=Choice(of=("application", "stripe")),
        stripe_dashboard=fields(type=Choice(of=("express", "full", "none"))),
    ),
    **_shared,
)
UPDATE = body(**_shared)
RETRIEVE = body()
DELETE = Fields()
LIST = listing()
CREATE_LINK = body(
    account=Text(required=True),
    type=Choice(of=("account_onboarding", "account_update"), required=True),
    refresh_url=Url(),
    return_url=Url(),
    collect=Choice(of=("currently_due", "eventually_due")),
    collection_options=fields(
        fields=Choice(of=("currently_due", "eventually_due")), future_requirements=Choice(of=("include", "omit"))
    ),
)
LOGIN_LINK = body()

_BY_TYPE = {
    "express": ("application", "application", "stripe", "express"),
    "standard": ("account", "stripe", "stripe", "full"),
    "custom": ("application", "application", "application", "none"),
}
_DASHBOARD_TYPE = {"express": "express", "full": "standard", "none": "custom"}


def create(work: Work) -> Body:
    """Either a `type` or a `controller`; without either it is a standard account, as at Stripe."""
    params = work.params
    if "type" in params and "controller" in params:
        raise invalid("You may only specify one of these parameters: type, controller.", param="type")
    controller = _controller(params)
    dashboard = controller["stripe_dashboard"]["type"]
    country = params.get("country", "US")
    if country not in COUNTRIES:
        raise invalid(
            f"Country '{country}' is unknown or not supported by Stripe", code="country_unsupported", param="country"
        )
    capabilities = {
        name: "inactive" for name, asked in params.get("capabilities", {}).items() if asked.get("requested")
    }
    if not capabilities and dashboard == "none":
        raise invalid(
            "When creating an Account with this configuration, you must request capabilities.", param="capabilities"
        )
    capabilities = capabilities or {"card_payments": "inactive", "transfers": "inactive"}
    account: Body = {
        "id": new_id("account"),
        "object": "account",
        "business_profile": {
            "mcc": None, "name": None, "product_description": None, "support_email": None, "support_phone": None,
            "support_url": None, "url": None, **params.get("business_profile", {}),
        },
        "business_type": params.get("business_type"),
        "capabilities": capabilities,
        "charges_enabled": False,
        "controller": controller,
        "country": country,
        "created": work.now,
        "default_currency": params.get("default_currency", CURRENCY_OF.get(country, "eur")),
        "details_submitted": False,
        "email": params.get("email"),
        "external_accounts": {
            "object": "list", "data": [], "has_more": False, "total_count": 0, "url": "",
        },
        "future_requirements": _requirements([], None),
        "metadata": merged({}, params.get("metadata")),
        "payouts_enabled": False,
        "requirements": _requirements(NEEDED, "requirements.past_due"),
        "settings": {
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": None},
            "payouts": {"debit_negative_balances": True, "schedule": {"delay_days": 2, "interval": "daily"}},
        },
        "tos_acceptance": {"date": None},
        "type": _DASHBOARD_TYPE[dashboard],
    }  # fmt: skip
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    insert(work.tx, PLATFORM, account)
    return account


def _controller(params: dict[str, Any]) -> Body:
    fees, losses, collection, dashboard = _BY_TYPE[params.get("type", "standard")]
    given = params.get("controller", {})
    fees = given.get("fees", {}).get("payer", fees)
    return {
        "type": "application",
        "is_controller": True,
        "fees": {"payer": fees},
        "losses": {"payments": given.get("losses", {}).get("payments", losses)},
        "requirement_collection": given.get("requirement_collection", collection),
        "stripe_dashboard": {"type": given.get("stripe_dashboard", {}).get("type", dashboard)},
    }


def _requirements(due: list[str], disabled: str | None) -> Body:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def retrieve(work: Work) -> Body:
    """An unknown account is 403 at Stripe, not 404: it may be another platform's."""
    return account_of(work, work.path["id"])


def account_of(work: Work, id_: str) -> Body:
    found = find(work.tx, "account", id_)
    if found is None or (work.account and work.account != id_):
        raise invalid(
            f"The provided key does not have access to account '{id_}' (or that account does not exist). Application "
            "access may have been revoked.",
            code="account_invalid",
            status=403,
        )
    return found.body


def retrieve_own(work: Work) -> Body:
    """`GET /v1/account`: the account of the request itself."""
    if work.account:
        return account_of(work, work.account)
    return {
        "id": "acct_sandboxplatform", "object": "account", "charges_enabled": True, "payouts_enabled": True,
        "details_submitted": True, "country": "DE", "default_currency": "eur", "email": None, "type": "standard",
    }  # fmt: skip


def list_(work: Work) -> Body:
    return page(work.tx, PLATFORM, "account", work.params, url="/v1/accounts")


def update(work: Work) -> Body:
    account, params = account_of(work, work.path["id"]), work.params
    if "metadata" in params:
        account["metadata"] = merged(account["metadata"], params["metadata"])
    for name, asked in params.get("capabilities", {}).items():
        _request_capability(account, name, wanted=asked.get("requested", True))
    account["business_profile"] |= params.get("business_profile", {})
    account |= {key: params[key] for key in ("business_type", "email", "default_currency") if key in params}
    changed(work, account)
    return account


def _request_capability(account: Body, name: str, *, wanted: bool) -> None:
    if not wanted:
        account["capabilities"].pop(name, None)
    elif account["capabilities"].get(name) != "active":
        account["capabilities"][name] = "active" if account["details_submitted"] else "inactive"


def delete_account(work: Work) -> Body:
    account = account_of(work, work.path["id"])
    work.tx.execute("DELETE FROM stripe_object WHERE id = ?", (account["id"],))
    return {"id": account["id"], "object": "account", "deleted": True}


def changed(work: Work, account: Body) -> None:
    """Kept, and told as `account.updated` on that account."""
    save(work.tx, account)
    emit(work, "account.updated", account, account=account["id"])


def create_link(work: Work) -> Body:
    """A link to the onboarding page: good once, for five minutes by the suite's clock."""
    params = work.params
    account = account_of(work, params["account"])
    if params["type"] == "account_update" and account["controller"]["requirement_collection"] == "stripe":
        raise invalid(
            "You cannot create `account_update` type Account Links for this account. You can only create account links "
            "of this type when you are responsible for collecting requirements, which includes Custom accounts.",
            param="type",
        )
    for needed in ("refresh_url", "return_url"):
        if needed not in params:
            raise invalid(f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    token = secrets.token_urlsafe(18)
    link: Body = {
        "id": f"link_{token}",
        "object": "account_link",
        "created": work.now,
        "expires_at": work.now + LINK_SECONDS,
        "url": f"{work.world.settings.public_url}/setup/e/{account['id']}/{token}",
        "_account": account["id"],
        "_return_url": params["return_url"],
        "_refresh_url": params["refresh_url"],
        "_used": False,
    }
    insert(work.tx, PLATFORM, link)
    return {key: value for key, value in link.items() if key != "id"}


def login_link(work: Work) -> Body:
    account = get(work.tx, PLATFORM, "account", work.path["id"])
    if not account["details_submitted"]:
        raise invalid("Cannot create a login link for an account that has not completed onboarding.")
    return {
        "object": "login_link",
        "created": work.now,
        "url": f"{work.world.settings.public_url}/express/{account['id']}",
    }


def complete_onboarding(work: Work, account: Body) -> None:
    """What Stripe does when the provider has filled in everything."""
    account |= {
        "details_submitted": True,
        "charges_enabled": "card_payments" in account["capabilities"],
        "payouts_enabled": True,
        "capabilities": dict.fromkeys(account["capabilities"], "active"),
        "requirements": _requirements([], None),
        "business_type": account["business_type"] or "individual",
        "tos_acceptance": {"date": work.now},
    }
    changed(work, account)


def restrict(work: Work, account: Body, reason: str) -> None:
    """What Stripe does when it finds something wrong: neither charges nor payouts until it is put right."""
    account |= {
        "charges_enabled": False,
        "payouts_enabled": False,
        "capabilities": dict.fromkeys(account["capabilities"], "inactive"),
        "requirements": _requirements(["individual.verification.document"], reason),
    }
    changed(work, account)


def check_can_charge(account: Body) -> None:
    """A direct charge needs an account that may take cards."""
    if not account["details_submitted"]:
        raise invalid(
            "You cannot create a charge on a connected account without the `card_payments` capability enabled."
        )
    if not account["charges_enabled"]:
        raise invalid(
            "This Connect account cannot currently make live charges. The `requirements.disabled_reason` property on the "
            "account will provide information about why this account is currently disabled. If you are a customer trying "
            "to make a purchase, please contact the owner of this site. Your transaction has not been processed."
        )


def check_can_receive(work: Work, id_: str, param: str) -> Body:
    """A destination charge needs an account that may be sent transfers."""
    found = find(work.tx, "account", id_)
    if found is None:
        raise invalid(f"No such destination: '{id_}'", code="resource_missing", param=param)
    if found.body["capabilities"].get("transfers") != "active":
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return found.body
