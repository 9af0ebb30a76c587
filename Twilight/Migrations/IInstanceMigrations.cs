namespace PonyCloud.Twilight.Migrations;

/// <summary>The ways of instances in and out of this host.</summary>
public interface IInstanceMigrations
{
    /// <summary>Raised when an answer of <see cref="Of"/> may be another. On any thread; handlers do not block.</summary>
    event Action? Changed;

    /// <summary>What is known now. Answers at once.</summary>
    MigrationView Of(Guid instance);

    /// <summary>
    /// Who may come in: the definition that this host would make of each instance. Each has a ticket for as long as it is in here; who no
    /// longer is, has none from now on, and what it has open is cut.
    /// </summary>
    void Expect(IReadOnlyDictionary<Guid, string> definitions);

    /// <summary>
    /// Instances that have left, and whose volumes the other host may read. Each has a ticket for that as long as it is in here; who no
    /// longer is, has none from now on, and what is read is cut: <see cref="MigrationView.IsRead"/> says when that has ended.
    /// </summary>
    void LetRead(IReadOnlySet<Guid> instances);

    /// <summary>
    /// Sends an instance that is on. When it has ended well, the domain is off here and marked as leaving; otherwise it goes on here, as
    /// far as <see cref="Hypervisor.IHypervisor.MigrateAsync"/> can say so, and the mark is for the caller to take away.
    /// </summary>
    /// <exception cref="Hypervisor.HypervisorException">It failed.</exception>
    /// <exception cref="MigrationException">It failed, and the hypervisor has no part in it.</exception>
    Task SendAsync(MigrationOrder order, CancellationToken cancellationToken);
}
