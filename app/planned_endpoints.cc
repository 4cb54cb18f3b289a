#include "app/planned_endpoints.h"

#include <algorithm>
#include <map>
#include <utility>

namespace polyport {
namespace {

class Planner {
 public:
  explicit Planner(Families families) : families_(families) {}

  void add(const ServicePlan& plan) {
    if (!plan.values.boolean("enabled")) return;
    for (const Door& door : plan.type->doors) {
      const OptionValues::Value& value = plan.values.value(door.option);
      for (std::size_t i = 0; i < value.endpoints.size(); ++i) {
        // A port that nobody wrote is the section's.
        add(plan, door, value.endpoints[i], value.is_default ? plan.where : value.places[i]);
      }
    }
  }

  PlannedEndpoints take() { return std::move(planned_); }

 private:
  void add(const ServicePlan& plan, const Door& door, const Endpoint& endpoint,
           const std::string& where) {
    PlannedEndpoint planned{.service = plan.name,
                            .option = std::string(door.option),
                            .where = where,
                            .written = endpoint,
                            .targets = {},
                            .path_error = 0,
                            .on_conflict = on_conflict_of(plan.values.text("on_conflict")),
                            .closed = plan.values.text("state") == "closed",
                            .known_as = names_of(plan)};
    // A door speaks what its option says: `irc` is no stranger on 6667.
    if (planned.option != "listen") planned.known_as.push_back(planned.option);
    if (endpoint.transport == Transport::kUnix) {
      planned.targets = {{.transport = Transport::kUnix,
                          .address = Address::any(Family::kUnix),
                          .path = same_socket_path(endpoint.path),
                          .written = Transport::kUnix}};
      if (!endpoint.path.starts_with('@')) planned.path_error = look_at_socket_path(endpoint.path);
    } else {
      auto targets = targets_of(endpoint, where);
      if (!targets) {
        Error error = targets.error();
        error.what = planned.option + ": " + error.what;
        error.where = where;
        planned_.errors.push_back(std::move(error));
        return;
      }
      planned.targets = std::move(*targets);
      for (BindTarget& target : planned.targets) {
        target.transport = socket_transport(endpoint.transport);
        target.written = endpoint.transport;
      }
    }
    planned_.endpoints.push_back(std::move(planned));
  }

  // Of its first port. A host is looked up once, however often it is written.
  Result<std::vector<BindTarget>> targets_of(const Endpoint& endpoint, const std::string& where) {
    const auto known = hosts_.find(endpoint.host);
    if (known != hosts_.end()) return known->second;
    Endpoint first = endpoint;
    first.last_port = first.first_port;
    auto resolved = resolve(first, families_);
    if (!resolved) {
      return hosts_.emplace(endpoint.host, tl::unexpected(std::move(resolved.error())))
          .first->second;
    }
    for (std::string& note : resolved->notes)
      add_note(std::move(note), where);
    return hosts_.emplace(endpoint.host, std::move(resolved->groups.front().targets)).first->second;
  }

  void add_note(std::string note, const std::string& where) {
    const bool known = std::any_of(planned_.notes.begin(), planned_.notes.end(),
                                   [&note](const Error& each) { return each.what == note; });
    if (!known) planned_.notes.push_back({ErrorCode::kNotAvailable, std::move(note), where, {}});
  }

  // What it may be known as: its name, its type, and the protocol that an option chooses. What
  // stands before other servers has their ports with good reason.
  static std::vector<std::string> names_of(const ServicePlan& plan) {
    if (plan.type->dials) return {"*"};
    std::vector<std::string> names = {plan.name, std::string(plan.type->name)};
    for (const OptionSpec& row : plan.type->options) {
      // What may be off ("false|common") names no protocol.
      if (row.type != OptionType::kEnum || row.choices.starts_with("false|")) continue;
      names.push_back(plan.values.text(row.name));
    }
    return names;
  }

  Families families_;
  PlannedEndpoints planned_;
  std::map<std::string, Result<std::vector<BindTarget>>> hosts_;
};

}  // namespace

PlannedEndpoints plan_endpoints(std::span<const ServicePlan> plans, Families families) {
  Planner planner(families);
  for (const ServicePlan& plan : plans)
    planner.add(plan);
  return planner.take();
}

}  // namespace polyport
