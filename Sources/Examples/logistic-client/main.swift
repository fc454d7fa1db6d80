internal import LogisticRegression
internal import TributaryKit

await ClientMain.run(adding: Registry(trainers: [logisticRegression]))
