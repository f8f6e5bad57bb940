#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/judge/label_check.hpp"
#include "ebgrasp/judge/protocol.hpp"
#include "ebgrasp/judge/test_objects.hpp"
#ifdef EBGRASP_WITH_VIZ
#include "ebgrasp/viz/plot.hpp"
#include "trial_movie.hpp"
#endif

namespace ebgrasp::app {
namespace {

struct SimulateOptions {
    std::string config, protocol = "single", output, video, figure;
    std::optional<std::string> objects, gripper;
    ObjectChoice choice;
    std::vector<std::string> planners;
    std::vector<int> scene_objects;
    std::size_t trials = 100, video_trial = 0, check_labels = 0;
    std::vector<double> frictions;
    TrialOptions trial;
    ProgramLimits limits;
};

/// Names are separated by commas, but a command may have some: "exec:" takes all the rest.
std::vector<std::string> planner_names(const std::vector<std::string>& given) {
    std::vector<std::string> names;
    for (std::string text : given)
        while (!text.empty()) {
            const std::size_t comma = text.starts_with("exec:") ? text.npos : text.find(',');
            names.push_back(text.substr(0, comma));
            text = comma == text.npos ? "" : text.substr(comma + 1);
        }
    require(!names.empty(), "no planner is named; give --planner NAME[,NAME...], such as --planner oracle,antipodal");
    return names;
}

GenerationConfig configuration(const SimulateOptions& o) {
    GenerationConfig config;
    if (!o.config.empty()) config = config_from_json<GenerationConfig>(read_yaml(o.config), o.config);
    if (o.objects) config.objects = *o.objects;
    if (o.gripper) config.gripper = *o.gripper;
    return config;
}

ProtocolOptions protocol_options(const SimulateOptions& o, const GenerationConfig& config, std::uint64_t seed) {
    ProtocolOptions options;
    const auto objects = options.scene.objects;
    options.seed = seed;
    options.trials = o.trials;
    options.scene = config.scene;
    options.scene.kind = o.protocol;
    options.scene.objects = o.scene_objects.empty() ? objects : std::array{o.scene_objects[0], o.scene_objects[1]};
    options.camera = config.camera;
    options.noise = config.noise;
    options.labels = config.labels;
    options.trial = o.trial;
    return options;
}

Entrant make_entrant(const std::string& name, const Gripper& gripper, const ProgramLimits& limits) {
    std::string model;
    const auto find = [&](const std::string& wanted) {
        const std::string file = find_model(wanted);
        model += fingerprint(read_file(file));
        return file;
    };
    std::shared_ptr<const Contestant> contestant = make_contestant(name, gripper, find, limits);
    return {std::move(contestant), std::move(model)};
}

std::string fingerprint_of(const std::vector<PreparedObject>& objects) {
    std::string bytes;
    for (const PreparedObject& prepared : objects) {
        bytes += prepared.name();
        for (const ConvexPart& part : prepared.label->object().parts)
            for (const Eigen::Vector3d& vertex : part.vertices)
                bytes.append(reinterpret_cast<const char*>(vertex.data()), sizeof(double) * 3);
    }
    return fingerprint(bytes);
}

/// All that decides what happens in a trial, besides the planner.
nlohmann::json identity(const ProtocolOptions& options, const std::vector<PreparedObject>& objects,
                        const Gripper& gripper) {
    return {{"program", fingerprint(read_file("/proc/self/exe"))},
            {"options", to_json(options)},
            {"objects", fingerprint_of(objects)},
            {"gripper", to_yaml(gripper)}};
}

void add_provenance(Report& report, const SimulateOptions& o, const GenerationConfig& config, std::size_t object_count,
                    const std::vector<Entrant>& entrants) {
    nlohmann::json models = nlohmann::json::object();
    for (const Entrant& entrant : entrants)
        if (!entrant.model.empty()) models[entrant.contestant->name()] = entrant.model;
    report.options.update({{"version", EBGRASP_VERSION},
                           {"objects", config.objects},
                           {"objects_seed", config.seed},
                           {"objects_split", o.choice.split},
                           {"objects_from", o.choice.from},
                           {"objects_to", o.choice.to},
                           {"object_count", object_count},
                           {"gripper", config.gripper},
                           {"models", models}});
}

#ifdef EBGRASP_WITH_VIZ
/// Its end if it is long: that of a program's command line tells it best.
std::string bar_name(const std::string& planner) {
    constexpr std::size_t longest = 22;
    return planner.size() <= longest ? planner : "..." + planner.substr(planner.size() - longest + 3);
}

Picture success_figure(const Report& report) {
    std::vector<Bar> bars;
    for (const PlannerResult& planner : report.planners)
        bars.push_back({bar_name(planner.name), planner.attempts > 0 ? 100 * planner.success_rate() : 0,
                        100 * planner.interval95.low, 100 * planner.interval95.high});
    PlotOptions options;
    options.title =
        fmt::format("{}: {} {}", report.protocol, report.trials, report.protocol == "single" ? "scenes" : "rounds");
    options.x = {.label = "success rate [%], with 95 % intervals", .limits = Limits{0, 115}, .tick_step = 20};
    options.height = 170 + 52 * static_cast<int>(bars.size());
    return bar_chart(bars, options);
}
#endif

void check_labels(const SimulateOptions& o, const CommonOptions& common) {
    const GenerationConfig config = configuration(o);
    LabelCheckOptions options;
    options.seed = common.seed;
    options.grasps = o.check_labels;
    if (!o.frictions.empty()) options.frictions = o.frictions;
    options.gripper = load_gripper(config.gripper);
    options.labels = config.labels;
    options.trial = o.trial;
    options.validate();
    const LabelCheck check = ebgrasp::check_labels(choose_objects(config, o.choice), options);
    if (!o.output.empty()) write_file_atomically(o.output, to_json(check).dump(2) + "\n");
    if (common.json)
        print_json(to_json(check));
    else
        std::cout << to_table(check);
}

void simulate(const SimulateOptions& o, const CommonOptions& common) {
    const GenerationConfig config = configuration(o);
    const ProtocolOptions options = protocol_options(o, config, common.seed);
    options.validate();
    const Gripper gripper = load_gripper(config.gripper);
    std::vector<Entrant> entrants;
    for (const std::string& name : planner_names(o.planners)) entrants.push_back(make_entrant(name, gripper, o.limits));
    auto objects = choose_objects(config, o.choice);
    const std::size_t object_count = objects.size();
    std::optional<Journal> journal;
    if (!o.output.empty()) journal.emplace(o.output + ".trials", identity(options, objects, gripper));
    const Protocol protocol(options, std::move(objects), gripper, mujoco_physics(gripper, options.trial));

    Report report = run_protocol(protocol, entrants, journal ? &*journal : nullptr);
    add_provenance(report, o, config, object_count, entrants);
    if (!o.output.empty()) write_file_atomically(o.output, to_json(report).dump(2) + "\n");
#ifdef EBGRASP_WITH_VIZ
    if (!o.figure.empty()) write_png(success_figure(report), o.figure);
    if (!o.video.empty()) write_trial_movie(o.video, protocol, *entrants.front().contestant, o.video_trial, gripper);
#endif
    if (common.json)
        print_json(to_json(report));
    else
        std::cout << to_table(report);
}

}  // namespace

void add_simulate(CLI::App& app) {
    add_command<SimulateOptions>(
        app, "simulate", "Judge planners in physics, all on the same scenes",
        "ebgrasp simulate --objects procedural:100 --planner energy:seed,antipodal,oracle --trials 200\n"
        "  ebgrasp simulate --objects meshes/ --from cup_090 --protocol pile --planner oracle --output report.json",
        [](CLI::App& command, SimulateOptions& o) {
            command
                .add_option("--planner", o.planners,
                            "Planners, separated by commas: energy:MODEL, energy-rank:MODEL, gqcnn-cem, percnn, "
                            "antipodal, random, oracle, or exec:COMMAND, which takes the rest (repeat --planner)")
                ->allow_extra_args(false);
            command
                .add_option("--protocol", o.protocol,
                            "single: one object, one attempt; pile: dropped and settled, packed: upright side by "
                            "side, both rounds of attempts until two in a row fail")
                ->capture_default_str();
            command.add_option("--trials", o.trials, "Scenes (single) or rounds")->capture_default_str();
            command.add_option("--objects", o.objects,
                               "Mesh file, folder of meshes (metres), or procedural:N (default procedural:1000)");
            command
                .add_option("--split", o.choice.split,
                            "Of the objects only the train, validation or test split that `generate` makes with the "
                            "same --config")
                ->check(CLI::IsMember({"train", "validation", "test"}));
            command.add_option("--from", o.choice.from, "First object in alphabetical order");
            command.add_option("--to", o.choice.to, "Last object");
            command
                .add_option("--scene-objects", o.scene_objects,
                            "Fewest,most objects of a pile or packed scene (default 5,5)")
                ->delimiter(',')
                ->expected(2);
            command.add_option("--config", o.config,
                               "YAML as for `generate`, of which objects, seed (theirs), split, scene, camera, noise, "
                               "labels and gripper count");
            command.add_option("--gripper", o.gripper, "Gripper: a YAML file or a preset (default robotiq_2f85)");
            command.add_option("--force", o.trial.closing_force, "Newtons per finger at most")->capture_default_str();
            command.add_option("--mass", o.trial.mass, "Kilograms of each object; 0: by density")
                ->capture_default_str();
            command.add_option("--density", o.trial.density, "kg/m^3 of the objects, with --mass 0")
                ->capture_default_str();
            command.add_option("--shake-level", o.trial.shake_level, "0 none, 1 gentle, 2 normal, 3 hard")
                ->capture_default_str();
            command.add_option("--timeout", o.limits.seconds, "Seconds that an exec: program may take for an answer")
                ->capture_default_str();
            command.add_option("--output", o.output,
                               "Write the report here (JSON), and finished trials beside it (.trials): a killed run "
                               "goes on where it stopped");
            command
                .add_option("--check-labels", o.check_labels,
                            "Instead of judging planners, execute so many labelled grasps per friction coefficient")
                ->check(CLI::Range(1, 10'000'000));
            command.add_option("--frictions", o.frictions, "For --check-labels (default 0.3,0.5,0.8)")->delimiter(',');
#ifdef EBGRASP_WITH_VIZ
            command.add_option("--figure", o.figure, "Draw the success rates (.png)");
            command.add_option("--video", o.video, "Film a trial of the first planner (.mp4 or .gif)");
            command.add_option("--video-trial", o.video_trial, "Which one")->capture_default_str();
#endif
        },
        [](const SimulateOptions& options, const CommonOptions& common) {
            if (options.check_labels > 0)
                check_labels(options, common);
            else
                simulate(options, common);
        });
}

}  // namespace ebgrasp::app
