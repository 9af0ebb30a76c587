using System.Reflection;
using PonyCloud.TestKit.VirtualMachines;

// The only argument is the port on which the tests to run are named. See README.md.
await InnerServer.ServeAsync(Assembly.GetExecutingAssembly(), args.Single());
