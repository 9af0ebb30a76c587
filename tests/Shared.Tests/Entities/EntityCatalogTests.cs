using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>A declaration that contradicts itself or another one is found when the daemon starts, with words that say where.</summary>
[TestFixture]
public sealed class EntityCatalogTests
{
    public sealed record Pony
    {
        public required Guid Uuid { get; init; }

        public Guid? Friend { get; init; }

        public string? Name { get; init; }
    }

    public sealed record Follower
    {
        public required Guid Uuid { get; init; }

        [References("leader")]
        public Guid? Leader { get; init; }
    }

    public sealed record Leader
    {
        public required Guid Uuid { get; init; }

        [References("follower")]
        public Guid? Follower { get; init; }

        [References("leader")]
        public Guid? Boss { get; init; }
    }

    [Test]
    public void Two_entities_of_one_name_are_refused() => Refused("pony", [Ponies(), Ponies()]);

    [Test]
    public void Two_mounts_of_one_path_are_refused() =>
        Refused("/pony", [Ponies().Mount("/pony", Access.Shared), Plain("horse").Mount("/pony", Access.Shared)], "horse");

    [Test]
    public void One_entity_cannot_be_mounted_twice_in_one_place() =>
        Refused("/pony", [Ponies().Mount("/pony", Access.Shared).Mount("/pony", Access.Private)]);

    [Test]
    public void An_entity_without_a_key_is_refused() =>
        Refused("pony", [EntityBuilder.Named("pony", "").Stored<Pony>()], "key");

    [Test]
    public void An_entity_without_a_part_is_refused() =>
        Refused("pony", [EntityBuilder.Named("pony", "").KeyedByNewUuid()], "part");

    [Test]
    public void A_part_without_the_key_column_is_refused() =>
        Assert.That(
            () => EntityBuilder.Named("pony", "").KeyedBy("hoof").Stored<Pony>().Build(),
            Throws.InvalidOperationException.With.Message.Contains("hoof"));

    [Test]
    public void An_index_needs_a_column() => Refused("hoof", [Ponies().Index("hoof")]);

    [Test]
    public void A_reference_needs_an_entity() => Refused("leader", [Followers()], "follower");

    [Test]
    public void The_reporting_host_is_named_by_a_key_column() =>
        Refused("friend", [EntityBuilder.Named("pony", "").KeyedByNewUuid().Reported<Pony>(by: "friend")]);

    [Test]
    public void A_scope_by_name_needs_a_column() => Refused("hoof", [Ponies().SentToHost(new HostScope.NamedBy("hoof"))]);

    [Test]
    public void A_scope_by_name_needs_an_index() => Refused("friend", [Ponies().SentToHost(new HostScope.NamedBy("friend"))], "index");

    [Test]
    public void A_scope_by_name_may_be_the_key_itself() =>
        Assert.That(Catalog(Ponies().SentToHost(new HostScope.NamedBy("uuid"))).All, Has.Count.EqualTo(1));

    [Test]
    public void A_scope_by_reference_needs_an_index() =>
        Refused("leader", [Followers().SentToHost(new HostScope.RefersTo("leader")), Plain("leader")], "index");

    [Test]
    public void A_scope_by_reference_needs_a_reference() =>
        Refused("pony.friend", [Ponies().Index("friend").SentToHost(new HostScope.RefersTo("friend"))]);

    [Test]
    public void A_scope_by_referrer_needs_that_entity() =>
        Refused("follower", [Plain("leader").SentToHost(new HostScope.ReferencedBy("follower", "leader"))], "leader");

    [Test]
    public void A_scope_by_referrer_needs_an_index_there() =>
        Refused("follower", [Followers(), Plain("leader").SentToHost(new HostScope.ReferencedBy("follower", "leader"))], "index");

    [Test]
    public void A_scope_by_referrer_needs_a_reference_to_here() =>
        Refused("follower.leader", [
            Followers().Index("leader"),
            Plain("leader"),
            Ponies().SentToHost(new HostScope.ReferencedBy("follower", "leader")),
        ], "pony");

    [Test]
    public void A_scope_that_leads_back_to_where_it_began_is_refused() =>
        Refused("own scope", [
            Followers().Index("leader").SentToHost(new HostScope.RefersTo("leader")),
            Plain("leader").SentToHost(new HostScope.ReferencedBy("follower", "leader")),
        ], "follower");

    [Test]
    public void A_mount_below_another_needs_that_one() =>
        Refused("/leader/follower", [Followers().Index("leader").Mount("/leader/follower", Access.Shared), Plain("leader")]);

    [Test]
    public void A_mount_through_a_column_needs_the_mount_above_as_well() =>
        Refused("/nobody/follower", [
            Followers().Index("leader").Mount("/nobody/follower", Access.Shared, through: "leader"),
            Plain("leader"),
        ]);

    [Test]
    public void A_mount_below_another_needs_a_column_that_names_the_row_above() =>
        Refused("leader", [Ponies().Mount("/leader/pony", Access.Shared), Plain("leader").Mount("/leader", Access.Shared)], "pony");

    [Test]
    public void A_mount_below_another_needs_an_index() =>
        Refused("leader", [Followers().Mount("/leader/follower", Access.Shared), Plain("leader").Mount("/leader", Access.Shared)], "index");

    [Test]
    public void Entities_that_need_each_other_first_are_refused() =>
        Refused("refers to itself", [Followers(), EntityBuilder.Named("leader", "").KeyedByNewUuid().Stored<Leader>()]);

    [Test]
    public void An_entity_may_refer_to_itself_and_comes_behind_those_that_it_needs()
    {
        var catalog = Catalog(EntityBuilder.Named("leader", "").KeyedByNewUuid().Stored<Leader>(), Plain("follower"));
        Assert.That(catalog.InDependencyOrder.Select(entity => entity.Name), Is.EqualTo(["follower", "leader"]));
        Assert.That(catalog.All.Select(entity => entity.Name), Is.EqualTo(["follower", "leader"]));
        Assert.That(catalog.All.Select(entity => entity.Ordinal), Is.EqualTo([0, 1]));
    }

    [Test]
    public void A_mount_is_found_by_its_path_with_the_column_that_leads_to_its_parent()
    {
        var catalog = Catalog(
            Followers().Index("leader").Mount("/leader/follower", Access.TenantUser, hidden: ["uuid"]),
            Plain("leader").Mount("/leader", Access.Shared));
        var (entity, mount) = catalog.FindMount("/leader/follower")!.Value;
        Assert.That(entity.Name, Is.EqualTo("follower"));
        Assert.That(mount.ParentColumn, Is.EqualTo("leader"));
        Assert.That(mount.Hidden, Is.EqualTo(["uuid"]));
        Assert.That(mount.Segments, Is.EqualTo(["leader", "follower"]));
        Assert.That(catalog.FindMount("/follower"), Is.Null);
        Assert.That(catalog.Find("pony"), Is.Null);
    }

    private static EntityBuilder Ponies() => Plain("pony");

    private static EntityBuilder Plain(string name) => EntityBuilder.Named(name, "").KeyedByNewUuid().Stored<Pony>();

    private static EntityBuilder Followers() => EntityBuilder.Named("follower", "").KeyedByNewUuid().Stored<Follower>();

    private static EntityCatalog Catalog(params EntityBuilder[] builders) => new(builders.Select(builder => builder.Build()));

    private static void Refused(string word, EntityBuilder[] builders, string? another = null) =>
        Assert.That(
            () => Catalog(builders),
            Throws.InvalidOperationException.With.Message.Contains(word).And.Message.Contains(another ?? word));
}
