# Людина на сторінках адміністраторів: ролі та записи медичної системи, які вона може відкривати.

person-may = Що дозволено цій людині
person-roles = Ролі
person-roles-save = Зберегти ролі
person-study-roles = Ролі в дослідженнях
person-study-roles-hint = Роль, двокрапка та коротка назва дослідження, наприклад viewer:cardio, через пробіл. Для окремого дослідження можна надати ролі study_manager, data_manager, analyst, viewer та auditor.
person-user = Її власний запис
person-user-lead = Запис у медичній системі, що є цією людиною. Застосунки дізнаються про нього з дозволом fhirUser.
person-user-field = Запис
person-user-hint = Наприклад, Practitioner/5 або Patient/nadia. Порожньо: немає.
person-user-save = Зберегти запис
person-patients = Пацієнти, чиї картки можна відкривати
person-patients-lead = Застосунок, який людина відкриває або який запитує пацієнта, пропонує лише їх.
person-patients-none = Ще немає.
person-patient = Пацієнт
person-patient-id = Ідентифікатор картки пацієнта
person-patient-id-hint = Як у медичній системі: латинські літери, цифри, дефіси та крапки.
person-relation = Ким є для пацієнта
person-relation-self = Це власна картка
person-relation-proxy = Доглядає за пацієнтом
person-relation-practitioner = Лікує пацієнта
person-label = Ім’я пацієнта
person-label-hint = За яким людина впізнає картку. Зберігається запечатаним.
person-link = Пов’язати пацієнта
person-unlink = Від’єднати
person-unlink-question = Від’єднати пацієнта { $label }?
person-unlink-lead = { $name } більше не зможе відкрити цю картку в застосунку, який запитує пацієнта.
person-unlink-tokens = Застосунки, у яких вона відкрита, матимуть її, доки їхній доступ не закінчиться або його не заберуть.
person-unlink-again = Ви зможете пов’язати її знову.
person-off = { $email }. Обліковий запис вимкнено.
person-on = { $email }.

fault-fhir-id = Має бути від 1 до 64 латинських літер, цифр, дефісів чи крапок.
fault-fhir-user = Має бути Patient, Practitioner, PractitionerRole, RelatedPerson або Person, скісна риска та ідентифікатор.
fault-relation = Виберіть, ким ця людина є для пацієнта.
