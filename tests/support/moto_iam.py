"""What moto leaves out of IAM: the audiences of an OpenID Connect provider that change."""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam import urls
from moto.iam.responses import IamResponse


def register() -> None:
    """Makes moto answer with the responses below."""
    for path, handler in list(urls.url_paths.items()):
        if handler == IamResponse.dispatch:
            urls.url_paths[path] = Iam.dispatch


class Iam(IamResponse):
    """IAM with changing audiences."""

    def add_client_id_to_open_id_connect_provider(self) -> ActionResult:
        """Adding one that is there is no error: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html"""
        audiences = self._audiences()
        if self._get_param("ClientID") not in audiences:
            audiences.append(self._get_param("ClientID"))
        return EmptyResult()

    def remove_client_id_from_open_id_connect_provider(self) -> ActionResult:
        """Removing one that is gone is no error."""
        audiences = self._audiences()
        if self._get_param("ClientID") in audiences:
            audiences.remove(self._get_param("ClientID"))
        return EmptyResult()

    def _audiences(self) -> Any:
        arn = self._get_param("OpenIDConnectProviderArn")
        return self.backend.get_open_id_connect_provider(arn).client_id_list
