internal import LogisticRegression
internal import TributaryKit

await CoordinatorMain.run(adding: Registry(trainers: [logisticRegression]))
