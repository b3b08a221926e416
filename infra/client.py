"""Makes a service client of a deployment: `python -m infra.client NAME [--scope SCOPE]...`.

It needs the deployment's settings (STACK, ROOT_KEY_SECRET) and AWS credentials in the environment. The secret is
printed this once and kept nowhere in clear.
"""

import argparse

from chalicelib.domain.access import ClientScope
from chalicelib.services import clients


def main() -> None:
    """Make the client and print its credentials."""
    scopes = [str(scope) for scope in ClientScope]
    parser = argparse.ArgumentParser(prog="python -m infra.client", description="Make a service client.")
    parser.add_argument("name", help="what the clinic calls the system")
    parser.add_argument("--scope", action="append", choices=scopes, help="what it may do; all of these by default")
    given = parser.parse_args()
    client_id, secret = clients.create(given.name, [ClientScope(scope) for scope in given.scope or scopes])
    print(f"client_id={client_id}\nclient_secret={secret}")


if __name__ == "__main__":
    main()
