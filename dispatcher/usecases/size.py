"""How many letters a campaign may have: said once, held when it is prepared, approved and launched."""

from __future__ import annotations

from dispatcher.domain.errors import CampaignError, Problem
from dispatcher.domain.model import Campaign

from .office import Office
from .plan import kinds_of


def size_of(campaign: Campaign) -> int:
    """How many letters to addresses it queues at its launch: both ways, copies, and each time that it repeats."""
    policies = [campaign.policy_for(contact_id) for contact_id in campaign.contact_ids]
    policies += [copy.policy for copy in campaign.copies]
    return len(campaign.editions) * sum(len(kinds_of(policy)) for policy in policies)


def require_size(office: Office, campaign_id: str, letters: int) -> None:
    """Raises CampaignError when there are more than the administrator has said."""
    most = office.limits.letters_of(campaign_id)
    if most and letters > most:
        cause = f"it has {letters} letters to addresses, and a campaign may have {most}"
        way_out = (
            "Choose fewer recipients, or let the administrator allow it: "
            f'[[limits.exceptions]] with campaign = "{campaign_id}", letters = {letters}'
        )
        raise CampaignError(Problem(f"campaign {campaign_id}", cause, way_out, "E_TOO_MANY"))
