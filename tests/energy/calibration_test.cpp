#include "ebgrasp/energy/calibration.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double infinity = std::numeric_limits<double>::infinity();

Checkpoint with_calibration(const json& calibration) { return {"seed", {{"calibration", calibration}}, {}}; }

TEST(Calibration, PlattsCurve) {
    const Calibration calibration = PlattScaling{2.0, -1.0};
    EXPECT_NEAR(calibration.probability(0.5), 0.5, 1e-15);
    EXPECT_NEAR(calibration.probability(-3), 1 / (1 + std::exp(-7)), 1e-15);
    EXPECT_EQ(calibration.probability(1e6), 0);
    EXPECT_EQ(calibration.probability(-1e6), 1);
}

TEST(Calibration, ATableIsLinearBetweenItsKnotsAndConstantBeyond) {
    const Calibration calibration = IsotonicTable{{-1, 0, 2}, {0.9, 0.9, 0.1}};
    for (const auto& [energy, probability] : std::initializer_list<std::pair<double, double>>{
             {-50, 0.9}, {-1, 0.9}, {-0.3, 0.9}, {0, 0.9}, {0.5, 0.7}, {1, 0.5}, {2, 0.1}, {50, 0.1}})
        EXPECT_NEAR(calibration.probability(energy), probability, 1e-15) << energy;
    const Calibration constant = IsotonicTable{{3}, {0.4}};
    EXPECT_EQ(constant.probability(-10), 0.4);
    EXPECT_EQ(constant.probability(3), 0.4);
}

TEST(Calibration, RefusesWhatIsNoFallingCurve) {
    EXPECT_THROW(Calibration(PlattScaling{infinity, 0}), Error);
    EXPECT_THROW(Calibration(PlattScaling{0, std::nan("")}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{}, {}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, 1}, {0.5}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, 0}, {0.5, 0.4}}), Error) << "energies must rise strictly";
    EXPECT_THROW(Calibration(IsotonicTable{{1, 0}, {0.5, 0.4}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, infinity}, {0.5, 0.4}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, std::nan("")}, {0.5, 0.4}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, 1}, {0.4, 0.5}}), Error) << "probabilities must not rise";
    EXPECT_THROW(Calibration(IsotonicTable{{0, 1}, {1.1, 0.5}}), Error);
    EXPECT_THROW(Calibration(IsotonicTable{{0, 1}, {0.5, std::nan("")}}), Error);
}

TEST(Calibration, SurvivesItsJson) {
    for (const Calibration& calibration :
         {Calibration(PlattScaling{0.1 + 0.2, -1.0 / 3}), Calibration(IsotonicTable{{-1.0 / 3, 7}, {2.0 / 3, 0.1}})}) {
        const auto read = calibration_of(with_calibration(json::parse(json(calibration).dump())));
        ASSERT_TRUE(read);
        EXPECT_EQ(json(*read), json(calibration));
        for (const double energy : {-2.0, 0.0, 1.7, 9.0})
            EXPECT_EQ(read->probability(energy), calibration.probability(energy));
    }
}

TEST(CalibrationOf, ReadsCheckpointsFromBeforeThereWereMethods) {
    const auto calibration = calibration_of(with_calibration({{"slope", 0.5}, {"offset", -0.1}}));
    ASSERT_TRUE(calibration);
    EXPECT_NEAR(calibration->probability(1), 1 / (1 + std::exp(0.4)), 1e-15);
    EXPECT_FALSE(calibration_of({"seed", json::object(), {}}));
}

TEST(CalibrationOf, NamesWhatIsDamaged) {
    const auto complaint = [](const json& calibration) -> std::string {
        try {
            calibration_of(with_calibration(calibration));
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_THAT(complaint("no"), HasSubstr("calibration"));
    EXPECT_THAT(complaint(json::array()), HasSubstr("calibration"));
    EXPECT_THAT(complaint({{"slope", 1}}), HasSubstr("offset"));
    EXPECT_THAT(complaint({{"slope", nullptr}, {"offset", 1}}), HasSubstr("slope"));
    EXPECT_THAT(complaint({{"method", 3}}), HasSubstr("method"));
    EXPECT_THAT(complaint({{"method", "splines"}}), HasSubstr("splines"));
    EXPECT_THAT(complaint({{"method", "isotonic"}, {"energies", {0, 1}}}), HasSubstr("probabilities"));
    EXPECT_THAT(complaint({{"method", "isotonic"}, {"energies", "0 1"}, {"probabilities", {1, 0}}}),
                HasSubstr("energies"));
    EXPECT_THAT(complaint({{"method", "isotonic"}, {"energies", {0, 1}}, {"probabilities", {0, 1}}}),
                HasSubstr("probabilities do not fall"));
}

}  // namespace
}  // namespace ebgrasp
