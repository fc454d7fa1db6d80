internal import TributaryKit

await CoordinatorMain.run()
