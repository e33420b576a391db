"""Models → one server for them: its command is printed, and run where vLLM is there. Knows nothing of experiments."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

from midspec.models.server import PROGRAM, server


def serve(models: list[str], *, port: int, only_print: bool, tool_parser: str = "") -> int:
    """Print the command to standard output and the rest to standard error; returns the server's exit status."""
    found = server(models, port=port, tool_parser=tool_parser)
    print(shlex.join(found.command), flush=True)
    lines = [*found.notes, f"then: LOCAL_BASE_URL=http://127.0.0.1:{port}/v1 LOCAL_API_KEY=none, and ask for "
             + ", ".join(f"openai-api/local/{name}" for name in found.names)]
    if not tool_parser:
        lines.append("it refuses agents that call tools: --tool-parser NAME lets them (docs/scenarios.md)")
    program = shutil.which(PROGRAM)
    if program is None and not only_print:
        lines.append("vLLM is not here: run the command where it is (pip install vllm)")
    print("\n".join(lines), file=sys.stderr, flush=True)
    if program is None or only_print:
        return 0
    # A process of its own: vLLM brings its own versions of torch and transformers.
    return subprocess.run([program, *found.command[1:]], check=False).returncode
