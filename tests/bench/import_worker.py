"""A worker in a process of its own, as Lambda has it: works one import, and prints how much memory it ever had.

`python -m tests.bench.import_worker URL IMPORT_ID SECONDS`: each run of so many seconds is a line of JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path

from infra.local.remote_aws import RemoteAws


def main() -> None:
    """Work until the import is over."""
    url, import_id, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with RemoteAws(url):
        from chalicelib.models import import_files
        from chalicelib.services.import_files import worker

        while (row := import_files.find(import_id)) is not None and row.is_open:
            began = time.monotonic()
            worker.work(import_id, seconds)
            found = import_files.find(import_id)
            assert found is not None
            told = {
                "read": found.resources_read,
                "peak_mb": _peak_mb(),
                "seconds": time.monotonic() - began,
            }
            print(json.dumps(told), flush=True)


def _peak_mb() -> float:
    """Linux gives a new process the peak of the one that started it, in `ru_maxrss`, but not in `VmHWM`."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].removesuffix("kB")) / 1024


if __name__ == "__main__":
    main()
