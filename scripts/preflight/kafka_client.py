"""Asks a Kafka cluster, for the checks: a client that prints nothing, one time limit, and the reason of a failure."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from scripts.preflight.model import CheckError
from scripts.verify.kafka import Config, went_to_a_broker_that_left

SECONDS = 8.0
"""Time limit of each request."""

REFUSES_KEY = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})
"""Error codes of a cluster that refuses the API key."""

# Connection errors arrive by a callback, which only `poll` calls, sometimes just after the request's time limit.
_POLL_SECONDS = 0.5

_Client = TypeVar("_Client", Consumer, AdminClient)
_T = TypeVar("_T")


@dataclass
class KafkaClient:
    """A cluster. `config`: librdkafka's settings."""

    config: Config
    _errors: list[KafkaError] = field(default_factory=list, repr=False)

    def ask(
        self,
        make: Callable[[dict[str, Any]], _Client],
        question: Callable[[_Client], _T],
        explained: Callable[[set[int], str], CheckError],
    ) -> _T:
        """The answer to a question.

        Args:
            make: makes the client.
            question: asks it.
            explained: turns the codes of all errors, and the text of the last one, into the error to raise.

        Raises:
            CheckError: there was no answer.
        """
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return self._asked(make, question)
            except (KafkaException, TimeoutError) as error:
                again = isinstance(error, KafkaException) and went_to_a_broker_that_left(error)
                if not again or time.monotonic() > deadline:
                    raise explained(*self._reasons(error)) from None

    def _asked(self, make: Callable[[dict[str, Any]], _Client], question: Callable[[_Client], _T]) -> _T:
        # librdkafka would print connection errors on the terminal.
        quiet: dict[str, Any] = {
            "log_level": 0,
            "error_cb": self._errors.append,
            "socket.connection.setup.timeout.ms": 5000,
        }
        client = make({**self.config, **quiet})
        try:
            return question(client)
        except (KafkaException, TimeoutError):
            client.poll(_POLL_SECONDS)
            raise
        finally:
            # An AdminClient has no such method.
            if isinstance(client, Consumer):
                client.close()

    def _reasons(self, error: Exception) -> tuple[set[int], str]:
        cause = error.args[0] if error.args else None
        errors = [*([cause] if isinstance(cause, KafkaError) else []), *self._errors]
        texts = [found.str() for found in errors if "brokers are down" not in found.str()]
        return {found.code() for found in errors}, texts[-1] if texts else f"no answer in {SECONDS:g} s"
