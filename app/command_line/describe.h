// What can be typed behind each command. By subject: servers.cc, ports.cc, clients.cc.
#pragma once

#include "app/command_line.h"

namespace polyport {

class CommandSyntax;

// The options live as long as the syntax is used.
void describe(CommandSyntax& syntax, RunOptions& options);
void describe(CommandSyntax& syntax, CheckOptions& options);
void describe(CommandSyntax& syntax, ServicesOptions& options);
void describe(CommandSyntax& syntax, CaOptions& options);

void describe(CommandSyntax& syntax, ExplainOptions& options);
void describe(CommandSyntax& syntax, PortsOptions& options);
void describe(CommandSyntax& syntax, BindMatrixOptions& options);
void describe(CommandSyntax& syntax, DemoOptions& options);

void describe(CommandSyntax& syntax, ConnectOptions& options);
void describe(CommandSyntax& syntax, HealthcheckOptions& options);
void describe(CommandSyntax& syntax, SwarmOptions& options);
void describe(CommandSyntax& syntax, MeasureOptions& options);

}  // namespace polyport
