using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>What follows for one instance.</summary>
/// <param name="Told">What hosts are to be told; every other host is told nothing.</param>
/// <param name="Handover">What is to be written.</param>
/// <param name="Shown">What is shown of the order; null without one.</param>
internal sealed record MoveDecision(IReadOnlyList<Telling> Told, Handover? Handover, MigrationCurrent? Shown);

/// <summary>A change of the place and of what goes along with it, on condition that place and order are still as they were looked at.</summary>
/// <param name="From">Null for an instance without a place.</param>
/// <param name="To">
/// The same as before when only the order ends, when only copies of volumes are made or dropped, or when it is only asked whether the place is
/// still there.
/// </param>
/// <param name="Order">The order on which it depends; null for a copy that arrived although its order was withdrawn.</param>
internal sealed record Handover(Guid Instance, Guid? From, Guid To, MigrationDesired? Order)
{
    /// <summary>Copies that become the contents of their volumes, and their host the keeper.</summary>
    public IReadOnlyList<TakenCopy> Taken { get; init; } = [];

    /// <summary>Copies that nobody needs any more.</summary>
    public IReadOnlyList<HostVolumeCopyDesired> Dropped { get; init; } = [];

    /// <summary>Copies that are to be made.</summary>
    public IReadOnlyList<HostVolumeCopyDesired> Made { get; init; } = [];

    /// <summary>The place stays where it is.</summary>
    public bool IsStaying => From == To;

    /// <summary>Whether the order is carried out by it.</summary>
    public bool EndsOrder => Order?.DestinationHost == To;
}
