namespace PonyCloud.Twilight.Networks.Links;

/// <summary>The difference between what is and what is to be.</summary>
/// <param name="Steps">In an order that the kernel accepts.</param>
/// <param name="Obstacles">What cannot be made, or cannot go.</param>
public sealed record NetworkPlan(IReadOnlyList<NetworkStep> Steps, IReadOnlyList<Obstacle> Obstacles);

/// <summary>Why something is left as it is.</summary>
/// <param name="Namespace">Where.</param>
/// <param name="Link">The link that it is about.</param>
/// <param name="Why">In words, for a row to show.</param>
public sealed record Obstacle(string Namespace, string Link, string Why);
