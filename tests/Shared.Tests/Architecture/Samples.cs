// Code that breaks the rules, each in another way, so that the rules are seen to notice.
#pragma warning disable CA1812, CA1823, CA1802, CA1805, CA5392, CS0169, CS0649, IDE0051, IDE0052, IDE0060, SYSLIB1054, CA1822, CA1852, CA2101, CA1419, CA5394

using System.Runtime.InteropServices;
using PonyCloud.Shared.Tests.Architecture.Samples.Upper;

namespace PonyCloud.Shared.Tests.Architecture.Samples.Upper
{
    internal class Thing
    {
        public static int Count { get; } = 1;
    }

    internal interface IThing;

    [AttributeUsage(AttributeTargets.All)]
    internal sealed class ThingAttribute : Attribute;
}

namespace PonyCloud.Shared.Tests.Architecture.Samples.Lower
{
    internal sealed class ByField
    {
        private readonly Thing? _thing;
    }

    internal sealed class ByBase : Thing;

    internal sealed class ByInterface : IThing;

    [Thing]
    internal sealed class ByAttribute;

    internal sealed class ByParameter
    {
        public void Take(Thing thing)
        {
        }
    }

    internal sealed class ByReturn
    {
        public Thing? Give() => null;
    }

    internal sealed class ByGenericArgument
    {
        public IReadOnlyDictionary<string, Thing[]>? Give() => null;
    }

    internal sealed class ByConstraint<T>
        where T : Thing;

    internal sealed class ByMethodBody
    {
        public int Count() => 1 + Thing.Count;
    }

    internal sealed class ByTypeOf
    {
        public string Name() => nameof(ByTypeOf) + typeof(Thing).Name;
    }

    internal sealed class ByLambda
    {
        public Func<int> Counter() => () => Thing.Count;
    }

    internal sealed class ByIterator
    {
        public IEnumerable<int> Count()
        {
            yield return Thing.Count;
        }
    }

    internal sealed class Good
    {
        public int Count(int a) => a switch { 1 => 2, 3 => 4, 5 => 6, 7 => 8, _ => checked(a + 1) };
    }
}

namespace PonyCloud.Shared.Tests.Architecture.Samples.Impure
{
    internal sealed class Clock
    {
        public DateTime Read() => DateTime.UtcNow;
    }

    internal sealed class Chance
    {
        public int Throw() => Random.Shared.Next(6);
    }

    internal sealed class Identity
    {
        public Guid Make() => Guid.NewGuid();
    }

    internal sealed class Tasks
    {
        public async Task WaitAsync() => await Task.Yield();
    }

    internal sealed class Files
    {
        public string Read() => File.ReadAllText("/etc/hostname");
    }
}

namespace PonyCloud.Shared.Tests.Architecture.Samples.Native
{
    internal sealed class Import
    {
        [DllImport("libc.so.6")]
        public static extern int getpid();
    }

    internal sealed class Load
    {
        public nint Library() => NativeLibrary.Load("libc.so.6");
    }
}
