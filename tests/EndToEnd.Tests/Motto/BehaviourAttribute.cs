using NUnit.Framework;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>
/// The test shows one of the behaviours for which the platform is there; <see cref="MottoCount"/> says in the end which were shown.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BehaviourAttribute(int number) : PropertyAttribute(Name, number)
{
    public const string Name = "Behaviour";
}
