internal import Glibc

/// Linear warm-up, then half a cosine down to a floor.
package struct LearningRateSchedule: Sendable, Codable, Equatable {
    /// How many steps the warm-up takes; the first of them already has 1 / warmUpSteps of the peak.
    package let warmUpSteps: Int
    /// The step at which the floor is reached; from there on the factor stays.
    package let totalSteps: Int
    /// The factor at the end, e.g. 0.1.
    package let floor: Double

    /// A schedule.
    package init(warmUpSteps: Int, totalSteps: Int, floor: Double) {
        self.warmUpSteps = warmUpSteps
        self.totalSteps = totalSteps
        self.floor = floor
    }

    /// What to multiply the peak learning rate with at a step, counted from 0.
    package func factor(step: Int) -> Double {
        if step < warmUpSteps { return Double(step + 1) / Double(warmUpSteps) }
        let length = max(1, totalSteps - warmUpSteps)
        let progress = min(1, Double(step - warmUpSteps) / Double(length))
        return floor + (1 - floor) * 0.5 * (1 + cos(.pi * progress))
    }
}
