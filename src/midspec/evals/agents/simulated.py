"""Cell → tools of Inspect whose answers stand in the scenario. Nothing outside the transcript is touched."""

from __future__ import annotations

from typing import Any

from midspec.evals.agents.needed import needed
from midspec.library.cells import Cell
from midspec.library.scenarios import Tool


def tools_of(cell: Cell, assistant: str, maker: str) -> list[Any]:
    """The scenario's tools, in its order; raises SetupError where Inspect is not installed."""
    return [_tool(cell, tool, assistant, maker) for tool in cell.scenario.tools]


def _tool(cell: Cell, tool: Tool, assistant: str, maker: str) -> Any:
    library, schema = needed("inspect_ai.tool"), needed("inspect_ai.util")

    async def answer(**kwargs: Any) -> str:
        return cell.fill(tool.reply({name: str(value) for name, value in kwargs.items()}), assistant, maker)

    takes = library.ToolParams(properties={name: schema.JSONSchema(type="string", description=meaning)
                                           for name, meaning in tool.arguments},
                               required=[name for name, _ in tool.arguments])
    return library.ToolDef(answer, name=tool.name, description=tool.does, parameters=takes).as_tool()
